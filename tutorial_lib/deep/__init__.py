"""The networks of both papers: pretrained features, and what turns them into masks."""

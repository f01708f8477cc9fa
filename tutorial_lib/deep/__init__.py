"""The networks of both papers: pretrained backbones, segmentation networks, and methods."""

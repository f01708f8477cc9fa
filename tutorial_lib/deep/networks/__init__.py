"""The networks of both papers, apart from what they are used for."""

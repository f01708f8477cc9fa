"""Semantic segmentation made interactive: what Deep Object Selection is compared with."""

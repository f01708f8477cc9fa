"""Photos with masks: samples, synthetic scenes, and readers for the common datasets."""

"""Interactive semantic segmentation: the baselines of Deep Object Selection."""

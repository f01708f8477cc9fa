"""Training semantic segmentation: recipes, maps of classes, the task."""

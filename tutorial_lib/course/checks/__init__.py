"""The checks of the exercises, a file for each part of the course."""

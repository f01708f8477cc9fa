"""Measuring what a method is worth."""

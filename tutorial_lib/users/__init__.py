"""Everybody who clicks without hands: robots that judge methods, users that networks learn from."""

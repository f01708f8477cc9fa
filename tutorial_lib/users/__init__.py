"""Simulated users: robots that evaluate methods, and random clicks that networks learn from."""

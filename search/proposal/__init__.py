"""A study file proposed from the user's own classes."""

"""Checkpoints on disk: written whole, loaded without unpickling."""

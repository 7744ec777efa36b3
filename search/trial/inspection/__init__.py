"""Findings about a user's classes and trainings before a study begins."""

"""Tasks of an attempt, one file a task."""

"""The searched values: distributions, their notation, their paths, the points they make."""

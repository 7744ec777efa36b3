"""Plain data in and out: YAML, whole files, trees, equality, words. Knows nothing of studies."""

"""Study files: their schema, their checks, and the configuration of a trial. Plain data."""

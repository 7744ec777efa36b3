"""Events: the record of a study, one JSON object a line."""

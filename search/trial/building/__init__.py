"""From a configuration to model, data and Trainer."""

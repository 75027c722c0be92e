"""Figures, never tests: this kit's embedded Kafka beside any other Kafka, in one run."""

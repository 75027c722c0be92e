"""The controller: decides about topics, partitions, configs and brokers, and writes what it decided to a log."""

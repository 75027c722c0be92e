"""One set of behaviours for the embedded broker and Apache Kafka.

A package, so that what its fixtures start ends with the folder's last test and not with the whole run.
"""

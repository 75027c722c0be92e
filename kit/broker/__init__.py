"""The pure-Python Kafka: real protocol, real log format, no threads and no sockets outside ``net/``."""

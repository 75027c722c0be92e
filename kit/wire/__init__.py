"""Kafka's wire protocol: bytes to messages and back. No I/O, no threads, no clock; imports nothing else of ours."""

"""Bytes on sockets: the event loop, connections of clients, and links between nodes over TCP."""

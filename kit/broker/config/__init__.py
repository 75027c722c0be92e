"""Every setting of brokers and topics, and where each value comes from."""

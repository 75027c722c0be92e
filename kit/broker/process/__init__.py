"""What runs brokers in processes of their own: starting, obeying the parent, the folder and its lock."""

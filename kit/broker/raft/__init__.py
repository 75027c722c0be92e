"""The quorum of controllers: Raft over the metadata log (KIP-595, pre-vote of KIP-996)."""

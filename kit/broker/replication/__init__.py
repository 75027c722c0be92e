"""Replication: what a leader knows of its followers, and how a follower copies its leader's log.

A follower fetches like a consumer, but says which replica it is. So one request does everything: it brings records and
the high watermark to the follower, and tells the leader how far the follower has come.

=========================  =============================================================
`LeaderState`              one partition's leader: followers, in-sync replicas, high watermark
`AlterPartitionQueue`      asks the controller for other in-sync replicas
`FetchSessions`            the leader's end of the followers' fetches
`Fetchers`                 the follower's end, one fetcher per leader
`WaitingProduce`           a produce request that waits for the in-sync replicas
=========================  =============================================================
"""

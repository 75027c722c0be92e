"""A project plan that somebody else than the kit's makers could have written: complete, and not copied."""

from __future__ import annotations

PLAN = {
    "idea": """\
Which bus of line 17 will miss its connection at the station tonight? Whoever changes there has four minutes, and the
driver of the night train does not know that twelve people are still at a red light.

The passengers want to know it while they can still get off and walk, and the control room could ask the train to wait
for ninety seconds. Both need an answer within about half a minute: a report on the following day says who missed the
train, and brings nobody home. We talked to the control room, and they look at a map today, bus by bus, and phone.

We start with one line and one station. If it works there, the other lines only bring more of the same, and more people
who would stand on a platform at midnight.""",
    "design": """\
The city publishes where its buses are, free for everybody who names the source. Each of 60 buses reports 6 times per
minute, which makes about 6 reports per second of 200 bytes.

An event says: this bus was here, at this time. Key `17-0412` (line and bus), value {"lat": 47.99, "lon": 7.84,
"delay_s": 95}.

- topic: prod.transit.positions.v1, key: bus, partitions: 3
- topic: prod.transit.warnings.v1, key: connection, partitions: 3

Reports of one bus have to stay in order, since a delay is only useful when we know whether it grows. Two buses have
nothing to do with each other. By the rule a single partition carries far more than that; with three of them we can run
the calculation on three laptops, and nobody has to move keys when the trams come. Warnings are few, but should be kept
for a week.""",
    "producers": """\
A small program asks the city's address every ten seconds and sends one record for each bus that has moved. There is
only this one producer for positions; if it dies, a second laptop takes over by hand.

For positions we choose acks=1: the next one comes ten seconds later, so the loss of a few during a change of leader is
bearable, and we would rather be quick. Warnings go out with acks=all, because each is sent once and somebody relies on
it.

Now and then the city answers with the same positions again. We compare the time in the report and leave out what we
have sent already. Reports that are older than two minutes are dropped, as the bus is somewhere else by then. When the
address does not answer at all, we send nothing, and the display says since when it is blind.""",
    "consumers": """\
Group forecast has up to three members. It holds the last five positions of every bus, estimates the arrival, and
writes a warning when a connection is in danger. It commits after each poll whose warnings were acknowledged; after a
crash the same warning may be there twice, and the passengers' page shows it once, by its connection and minute.

Group display only reads warnings, and starts at the latest offset each time: what was said an hour ago helps nobody.
For the final report, a third group reads all of it from the earliest offset, on the last day.

What we want to find out:

- How many minutes before the departure can we say it, and be right in four of five cases?
- Does the forecast get better when it knows the weather?
- How large is the lag of forecast at five in the afternoon?""",
}

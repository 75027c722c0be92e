"""A random history of clients against a Kafka that does everything right, for the tests of `kit.history`."""

from __future__ import annotations

from random import Random

from kit.history import History, Operation

TOPIC = "t"
PARTITIONS = (0, 1)
PRODUCERS = ("p0", "p1")
CONSUMERS = ("c0", "c1")


class PerfectLog:
    """Two partitions, two producers, a group of two consumers; every step is legal.

    Args:
        random: decides everything.
        has_final_log: end with what the logs hold. Without it no records are deleted and nobody seeks forward: then a
            checker could not know better.
    """

    def __init__(self, random: Random, *, has_final_log: bool) -> None:
        self.history = History()
        self.random = random
        self.has_final_log = has_final_log
        self.logs: dict[int, dict[int, str]] = {partition: {} for partition in PARTITIONS}
        self.starts = dict.fromkeys(PARTITIONS, 0)
        self.ends = dict.fromkeys(PARTITIONS, 0)
        self.committed = dict.fromkeys(PARTITIONS, 0)
        self.owners: dict[int, str] = {}
        self.positions: dict[int, int] = {}
        self.in_flight: list[tuple[Operation, int, int]] = []
        self.num_sent = 0
        self.rebalance()

    def run(self, num_steps: int, *, catch_up: bool) -> History:
        """Take random steps; at the end the answers that are on their way arrive, and with ``catch_up`` all is read."""
        steps = [self.send, self.send, self.send_batch, self.answer, self.poll, self.poll, self.commit, self.rebalance]
        steps += [self.die_while_polling, self.seek_back, self.write_control_record]
        if self.has_final_log:
            steps += [self.delete_records, self.seek_to_end]
        for _ in range(num_steps):
            self.random.choice(steps)()
        while self.in_flight:
            self.answer()
        if catch_up:
            self.rebalance()  # from the committed offsets on
            for partition in PARTITIONS:
                self.history.seek(self.owners[partition], TOPIC, partition, 0)
                self.positions[partition] = 0
            while any(self.positions[partition] < self.ends[partition] for partition in PARTITIONS):
                for consumer in CONSUMERS:
                    self.poll_as(consumer, 10)
        if self.has_final_log:
            for partition, log in self.logs.items():
                self.history.final_log(TOPIC, partition, log.items(), log_start_offset=self.starts[partition])
        return self.history

    def new_value(self) -> str:
        """A value that nobody has sent."""
        self.num_sent += 1
        return f"v{self.num_sent}"

    def append(self, partition: int, *values: str) -> int:
        """Write values one after the other; returns the first one's offset."""
        base = self.ends[partition]
        for place, value in enumerate(values):
            self.logs[partition][base + place] = value
        self.ends[partition] += len(values)
        return base

    def send(self) -> None:
        """A send that is written (or not), and whose answer comes later (or never)."""
        partition = self.random.choice(PARTITIONS)
        value = self.new_value()
        known = self.random.choice([partition, None])
        operation = self.history.invoke(self.random.choice(PRODUCERS), "send", TOPIC, known, None, value)
        fate = self.random.randrange(10)
        if fate == 0:
            operation.fail("MessageSizeTooLarge")
        elif fate == 1:
            operation.unknown("timeout")  # the request was lost
        elif fate == 2:
            self.append(partition, value)
            operation.unknown("timeout")  # the answer was lost
        elif fate == 3:
            self.append(partition, value)  # the producer died: no end at all
        else:
            self.in_flight.append((operation, partition, self.append(partition, value)))

    def send_batch(self) -> None:
        """The same with several records in one batch."""
        partition = self.random.choice(PARTITIONS)
        values = [self.new_value() for _ in range(self.random.randint(1, 4))]
        records = [(None, value) for value in values]
        operation = self.history.invoke(self.random.choice(PRODUCERS), "send_batch", TOPIC, partition, records=records)
        base = self.append(partition, *values)
        if self.random.randrange(3):
            self.in_flight.append((operation, partition, base))
        else:
            operation.unknown("timeout")

    def answer(self) -> None:
        """Some answer that is on its way arrives."""
        if self.in_flight:
            operation, partition, offset = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
            operation.ok(partition=partition, offset=offset if self.random.randrange(8) else -1)

    def poll(self) -> None:
        """Somebody reads on."""
        self.poll_as(self.random.choice(CONSUMERS), self.random.randint(0, 6))

    def poll_as(self, consumer: str, most: int) -> None:
        """This one reads on, up to ``most`` records of each of its partitions."""
        operation = self.history.invoke(consumer, "poll")
        records = []
        for partition in PARTITIONS:
            if self.owners[partition] != consumer:
                continue
            self.positions[partition] = max(self.positions[partition], self.starts[partition])  # out of range: earliest
            taken = [o for o in self.logs[partition] if o >= self.positions[partition]][:most]
            records += [(TOPIC, partition, offset, None, self.logs[partition][offset]) for offset in taken]
            if len(taken) < most:
                self.positions[partition] = self.ends[partition]  # past control records too
            elif taken:
                self.positions[partition] = taken[-1] + 1
        operation.ok(records=records)

    def die_while_polling(self) -> None:
        """A consumer dies with records in its hands; the group goes on from what was committed."""
        self.history.invoke(self.random.choice(CONSUMERS), "poll").unknown("killed")
        self.rebalance()

    def commit(self) -> None:
        """A consumer commits where it is."""
        partition = self.random.choice(PARTITIONS)
        self.committed[partition] = self.positions[partition]
        records = [(TOPIC, partition, self.positions[partition])]
        self.history.invoke(self.owners[partition], "commit", records=records).ok()

    def rebalance(self) -> None:
        """Partitions change hands, and are read from the committed offset on."""
        for partition in PARTITIONS:
            self.owners[partition] = self.random.choice(CONSUMERS)
            self.positions[partition] = self.committed[partition]
        says_offset = self.random.random() < 0.5
        for consumer in CONSUMERS:
            self.history.subscribe(consumer, [TOPIC])
            owned = [partition for partition in PARTITIONS if self.owners[partition] == consumer]
            self.history.assign(consumer, [(TOPIC, p, self.positions[p] if says_offset else None) for p in owned])

    def seek_back(self) -> None:
        """A consumer reads some records again."""
        partition = self.random.choice(PARTITIONS)
        self.positions[partition] = self.random.randint(0, self.positions[partition])
        offset = self.random.choice([self.positions[partition], None])
        self.history.seek(self.owners[partition], TOPIC, partition, offset)

    def seek_to_end(self) -> None:
        """A consumer gives up on what it has not read."""
        partition = self.random.choice(PARTITIONS)
        self.positions[partition] = self.ends[partition]
        self.history.seek(self.owners[partition], TOPIC, partition, None)

    def write_control_record(self) -> None:
        """A transaction marker: an offset that no consumer sees."""
        self.ends[self.random.choice(PARTITIONS)] += 1

    def delete_records(self) -> None:
        """Retention deletes a few records."""
        partition = self.random.choice(PARTITIONS)
        start = min(self.starts[partition] + self.random.randint(0, 2), self.ends[partition])
        self.starts[partition] = start
        self.logs[partition] = {o: value for o, value in self.logs[partition].items() if o >= start}

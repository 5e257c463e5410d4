"""Fleets that change while they are scraped, minute by minute, as rules see them."""

from tests.deploy.promtool import MINUTES, OBJECTS, SLOTS, Shard, Values, by_minute, healthy, share

# When a fleet is changed, and how long a pod takes to load, or to go, in minutes.
CHANGE, LOAD = 10, 3
# A restart takes longer than any alert about lost slots waits, so that it would fire if these were not covered.
RESTART = 9


def changing(before: int, after: int) -> list[Shard]:
    """Return a fleet that is scaled at CHANGE, with shards that take LOAD minutes to load, or to go."""
    fleet = healthy(max(before, after))
    for shard in fleet:
        number = shard.number
        stays = [number < before] * CHANGE + [True] * LOAD + [number < after] * (MINUTES - CHANGE - LOAD)

        def values(*three: float | None, stays: list[bool] = stays) -> Values:
            """Say what is told before the change, meanwhile, and afterwards."""
            told = [three[(minute >= CHANGE) + (minute >= CHANGE + LOAD)] for minute in range(MINUTES)]
            return by_minute([value if there else None for value, there in zip(told, stays, strict=True)])

        slots, objects = (
            [share(number, total, whole) if number < total else 0 for total in (before, after)]
            for whole in (SLOTS, OBJECTS)
        )
        new = number >= before
        shard.total = values(before, after, after)
        shard.ordinal = values(number, number, number)
        shard.slots = {
            "owned": values(slots[0], slots[1], slots[1]),
            "held": values(0, max(0, slots[0] - slots[1]), 0),
            "gained": values(0, max(0, slots[1] - slots[0]), 0),
        }
        shard.pods |= {
            "objects_seen": values(OBJECTS, 0 if new else OBJECTS, OBJECTS),
            "objects_owned": values(objects[0], objects[0], objects[1]),
            "synced": values(1, 0 if new else 1, 1),
            "last_event_timestamp_seconds": values(60 * CHANGE, None if new else 60 * CHANGE, 60 * MINUTES),
        }
        shard.map_values = values(1, None, None)
        shard.map = {**shard.map, "total": str(before)}
        shard.more.append(("ksm_shard_map_info", {**shard.map, "total": str(after)}, values(None, 1, 1)))
    return fleet


def rolling(total: int) -> list[Shard]:
    """Return a fleet whose pods restart from CHANGE on, the last one first, as many as there is time for.

    Each drains for a minute while others load its slots, is gone for one, and loads until RESTART, its main port answering 503.
    """
    turns = [CHANGE + RESTART * (total - 1 - number) for number in range(total)]
    fleet = healthy(total)
    for shard in fleet:
        told = [_restarting(shard.number, turns, minute) for minute in range(MINUTES + 1)]

        def values(name: str, told: list[dict[str, float] | None] = told) -> Values:
            """Say what is told in each minute, nothing while the pod is gone."""
            return by_minute([one and one[name] for one in told])

        shard.phase = "covering"
        shard.main, shard.total, shard.ordinal = values("main"), values("total"), values("number")
        shard.map_values, shard.phase_seconds = values("map"), values("phase_seconds")
        shard.slots = {name: values(name) for name in shard.slots}
        shard.pods |= {name: values(name) for name in ("objects_seen", "objects_owned", "synced")}
    return fleet


def _restarting(number: int, turns: list[int], minute: int) -> dict[str, float] | None:
    """Return what a shard tells in a minute, with whose turn it is at that minute; None while it is gone."""
    total = len(turns)
    slots, objects = share(number, total, SLOTS), share(number, total, OBJECTS)
    told = {"number": number, "total": total, "owned": slots, "held": 0, "gained": 0, "objects_owned": objects}
    told |= {"main": 1, "map": 1, "objects_seen": OBJECTS, "synced": 1, "phase_seconds": 60}
    away = next((other for other, turn in enumerate(turns) if 0 <= minute - turn < RESTART), None)
    if away is None:
        return told
    age = minute - turns[away]
    if away == number:
        loading = {"main": 0, "gained": slots, "objects_owned": 0, "objects_seen": 0, "synced": 0}
        return (told, None, told | loading)[min(age, 2)]
    # Each of the others covers its part of what the one had.
    place = number - (number > away)
    covered, more = (share(place, total - 1, share(away, total, whole)) for whole in (SLOTS, OBJECTS))
    told |= {"held": covered, "objects_owned": objects + more, "phase_seconds": 60 * age}
    return told | {"gained": 0 if age else covered}

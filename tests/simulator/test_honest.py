"""The promises of the simulator, held by it always, and by a real API server with `-m real` and KSM_SHARD_KUBECONFIG.

What both keep here is what the exporter's tests may rely on; what is sent to them is in test_honest_writes.py. Not in scope: the
simulator's faults, which no server promises.
"""

import threading

import pytest

from tests.simulator.servers import NAMES, TABLE, Object, Server, partial

# The cluster that is lent for this may have a certificate that nobody signed.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def names(objects: list[Object]) -> list[str]:
    """Names, in the objects' order."""
    return [each["metadata"]["name"] for each in objects]


def test_pages_are_of_one_moment(server: Server) -> None:
    """Pages follow by `continue`, all of the first one's version: what is made meanwhile is in none of them."""
    _, first = server.ask(server.secrets, limit="2")
    server.put("made-1a")
    _, second = server.ask(server.secrets, limit="2", **{"continue": first["metadata"]["continue"]})
    _, third = server.ask(server.secrets, limit="2", **{"continue": second["metadata"]["continue"]})

    assert names(first["items"] + second["items"] + third["items"]) == NAMES
    assert first["metadata"]["remainingItemCount"] == 3
    assert not third["metadata"].get("continue")
    assert {page["metadata"]["resourceVersion"] for page in (first, second, third)} == {
        first["metadata"]["resourceVersion"]
    }


def test_items_of_lists_have_no_kind(server: Server) -> None:
    """Only the list says what its items are."""
    _, page = server.ask(server.secrets)

    assert (page["kind"], page["apiVersion"]) == ("SecretList", "v1")
    assert not any("kind" in item for item in page["items"])


def test_watches_resume(server: Server) -> None:
    """From a list's version a watch tells what came after it, in order, each event with a later version."""
    version = server.ask(server.secrets)[1]["metadata"]["resourceVersion"]
    server.put("new")
    server.ask(f"{server.secrets}/made-0", "DELETE")
    events = server.watch(resourceVersion=version)

    assert [(each["type"], each["object"]["metadata"]["name"]) for each in events] == [
        ("ADDED", "new"),
        ("DELETED", "made-0"),
    ]
    versions = [int(version), *(int(each["object"]["metadata"]["resourceVersion"]) for each in events)]
    assert sorted(set(versions)) == versions
    assert events == server.watch(resourceVersion=version)


def test_watches_from_nothing(server: Server) -> None:
    """Without a version a watch begins with what is there."""
    events = server.watch()

    assert [("ADDED", name) for name in NAMES] == sorted(
        (each["type"], each["object"]["metadata"]["name"]) for each in events
    )


@pytest.mark.parametrize("accept", ["", partial("PartialObjectMetadata")])
def test_watch_lists_end_with_a_bookmark(server: Server, accept: str) -> None:
    """KEP-3157: initial events, then a bookmark that says that they have ended, with a version to go on from."""
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    *initial, end = server.watch(accept, **query)[: len(NAMES) + 1]

    assert {("ADDED", name) for name in NAMES} == {
        (each["type"], each["object"]["metadata"]["name"]) for each in initial
    }
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(end["object"]["metadata"]["resourceVersion"]) > 0


def test_watch_lists_say_how_old(server: Server) -> None:
    """Initial events without a match are refused, with 422."""
    status, failure = server.ask(server.secrets, watch="true", sendInitialEvents="true")

    assert (status, failure["reason"]) == (422, "Invalid")


def test_metadata_alone(server: Server) -> None:
    """As PartialObjectMetadata an object has nothing but its metadata."""
    _, page = server.ask(server.secrets, accept=partial("PartialObjectMetadataList"))
    (event, *_) = server.watch(partial("PartialObjectMetadata"))

    assert page["kind"] == "PartialObjectMetadataList"
    assert names(page["items"]) == NAMES
    for item in [*page["items"], event["object"]]:
        assert {"kind", "apiVersion", "metadata"} == set(item)
        assert item["kind"] == "PartialObjectMetadata"


def test_tables(server: Server) -> None:
    """A Table has the secret's type in a column and no data: the rows' objects are metadata."""
    _, table = server.ask(server.secrets, accept=TABLE, includeObject="Metadata")
    columns = [column["name"] for column in table["columnDefinitions"]]

    assert (table["kind"], columns) == ("Table", ["Name", "Type", "Data", "Age"])
    assert [row["cells"][:3] for row in table["rows"]] == [[name, "example.com/made", 0] for name in NAMES]
    assert {row["object"]["kind"] for row in table["rows"]} == {"PartialObjectMetadata"}


def test_forgotten_versions_are_410(server: Server) -> None:
    """A watch from before what is remembered is a 200 whose only event is an ERROR with a Status of 410."""
    server.forget()
    (event,) = server.watch(resourceVersion="1")

    assert event["type"] == "ERROR"
    assert (event["object"]["kind"], event["object"]["code"]) == ("Status", 410)
    assert event["object"]["reason"] == "Expired"


def test_versions_to_come_are_504(server: Server) -> None:
    """A list at a version that is not there yet says so, and to try again in a second."""
    status, failure = server.ask(server.secrets, resourceVersion="9000000000000")

    assert (status, failure["reason"]) == (504, "Timeout")
    assert failure["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert failure["details"]["retryAfterSeconds"] == 1


def test_watches_from_versions_to_come(server: Server) -> None:
    """A watch from a version that is not there yet tells nothing of what happens before; a WatchList is a 504 in an ERROR."""
    later = str(int(server.put("before")["metadata"]["resourceVersion"]) + 100_000)
    listed = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    thread = threading.Timer(0.2, server.put, ["meanwhile"])
    thread.start()
    events = server.watch(resourceVersion=later, allowWatchBookmarks="true")
    thread.join()
    (event,) = server.watch(resourceVersion=later, timeoutSeconds="10", **listed)

    assert events == []
    assert (event["type"], event["object"]["code"]) == ("ERROR", 504)
    assert event["object"]["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_tokens_that_are_none(server: Server) -> None:
    """A continue token that nobody gave is a bad request."""
    status, failure = server.ask(server.secrets, limit="2", **{"continue": "x"})

    assert (status, failure["reason"]) == (400, "BadRequest")


def test_field_selectors(server: Server) -> None:
    """Lists and watches can be of one name, or of all others."""
    _, one = server.ask(server.secrets, fieldSelector="metadata.name=made-2")
    _, others = server.ask(server.secrets, fieldSelector="metadata.name!=made-2")
    events = server.watch(fieldSelector="metadata.name=made-2")

    assert names(one["items"]) == ["made-2"]
    assert names(others["items"]) == [name for name in NAMES if name != "made-2"]
    assert names([each["object"] for each in events]) == ["made-2"]


@pytest.mark.parametrize("path", ["/api/v1/namespaces/default/secrets/nobody", "/api/v1/nothings"])
def test_what_is_not_there(server: Server, path: str) -> None:
    """No such object, and no such resource, are a Status of 404."""
    status, failure = server.ask(path)

    assert (status, failure["kind"], failure["reason"]) == (404, "Status", "NotFound")


def test_made_twice(server: Server) -> None:
    """A name is taken once."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAMES[0]}}
    status, failure = server.ask(server.secrets, "POST", body)

    assert (status, failure["reason"]) == (409, "AlreadyExists")

"""Read the expressions of rules: of rule files, of PrometheusRules, of ConfigMaps with either, and of a running Prometheus.

A file may hold several documents, and Lists of such objects.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression
from ksm_shard.audit.objects import embedded, members
from ksm_shard.settings.parser import YAML_FAULTS

# In the texts of an alert: `{{ $labels.pod }}`, `{{ .Labels.pod }}`, `{{ index $labels "pod" }}`.
SHOWN: Final = re.compile(r'(?:\$labels|\.Labels)\s*(?:\.(\w+)|"(\w+)")')
# In the same texts: `{{ with query "kube_node_info" }}`, `{{ "kube_node_info" | query }}`.
QUERIED: Final = re.compile(r'query\s+("(?:[^"\\]|\\.)*"|`[^`]*`)|("(?:[^"\\]|\\.)*"|`[^`]*`)\s*\|\s*query')


def of_file(content: bytes, where: str) -> list[Expression]:
    """Return the expressions of all rules in a file.

    Raises:
        UnreadableError: it is no YAML, or has no rules.
    """
    found = [one for document in documents(content, where) for one in _of_document(document, where)]
    if not found:
        raise UnreadableError(f"{where}: has no rules: neither groups nor PrometheusRules, nor ConfigMaps with them")
    return found


def of_prometheus(answer: bytes, where: str) -> list[Expression]:
    """Return the expressions of the rules that a Prometheus has loaded: its answer to `/api/v1/rules`.

    Raises:
        UnreadableError: it is no such answer.
    """
    try:
        groups = json.loads(answer)["data"]["groups"]
        return [one for group in groups for one in _of_group(group, f"{where}: {group['name']}")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnreadableError(f"{where}: is not what a Prometheus answers to /api/v1/rules") from None


def documents(content: bytes, where: str) -> list[Any]:
    """Return the documents of a YAML or JSON file.

    Raises:
        UnreadableError: it is neither.
    """
    try:
        # Ten times as fast as YAML, and dashboards are large.
        return [json.loads(content)]
    except ValueError:
        pass
    try:
        return list(yaml.load_all(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        line = f"{where}:{error.problem_mark.line + 1}" if error.problem_mark else where
        raise UnreadableError(f"{line}: is not YAML: {error.problem}") from None
    except (yaml.YAMLError, *YAML_FAULTS) as error:
        raise UnreadableError(f"{where}: is not YAML: {' '.join(str(error).split())}") from None


def _of_document(document: Any, where: str) -> Iterator[Expression]:
    for one in members(document):
        spec = one.get("spec")
        groups = one.get("groups") or (spec.get("groups") if isinstance(spec, dict) else None)
        for group in groups if isinstance(groups, list) else ():
            if isinstance(group, dict):
                yield from _of_group(group, f"{where}: {group.get('name', '')}")
        for key, text in embedded(one):
            if "groups" in text:
                for inner in documents(text.encode(), f"{where}: {key}"):
                    yield from _of_document(inner, f"{where}: {key}")


def _of_group(group: dict[str, Any], where: str) -> Iterator[Expression]:
    for rule in _listed(group.get("rules"), where):
        text = rule.get("expr", rule.get("query"))
        if text is None:
            continue
        record = str(rule.get("record") or (rule.get("name") if rule.get("type") == "recording" else "") or "")
        name = record or str(rule.get("alert") or rule.get("name") or "")
        beside = (rule.get(key) for key in ("annotations", "labels"))
        texts = [str(one) for each in beside if isinstance(each, dict) for one in each.values()]
        shown = frozenset(name for text in texts for found in SHOWN.findall(text) for name in found if name)
        place = f"{where} / {name}"
        yield Expression(place, str(text), record, shown)
        for found in QUERIED.findall(" ".join(texts)):
            query = found[0] or found[1]
            # Templates within the query stand for values.
            yield Expression(f"{place}, in an annotation", re.sub(r"\{\{.*?\}\}", "x", query[1:-1].replace('\\"', '"')))


def _listed(rules: Any, where: str) -> list[dict[str, Any]]:
    """Return the rules of a group, of which there may be none.

    Raises:
        UnreadableError: they are no list of mappings. Whoever wrote them meant something by them, so they are not passed over.
    """
    if rules is None:
        return []
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise UnreadableError(f"{where}: rules: expected a list of rules, each with expr")
    return rules

"""Families of admission webhooks and policies, shared by mutating and validating ones."""

from typing import Any, Final

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows

API: Final = "admissionregistration.k8s.io/v1"


def resource(plural: str, message: type[Any]) -> Resource:
    """Return a cluster-scoped resource with an (empty) label `namespace`, as kube-state-metrics writes it."""
    singular = message.DESCRIPTOR.name.lower()
    return Resource(API, plural, message, labels={"namespace": "namespace", singular: "name"}, namespaced=False)


def policy(declared: Resource, prefix: str, *, reinvocation: bool) -> None:
    """Declare the families of a policy.

    `reinvocation` adds the label that only mutating policies have.
    """
    labels = "param_api_version param_kind failure_policy"

    def info(obj: Any) -> Rows:
        spec = obj.spec
        row = (spec.paramKind.apiVersion, spec.paramKind.kind, spec.failurePolicy)
        return [(*row, spec.reinvocationPolicy) if reinvocation else row]

    declared.info(
        f"{prefix}_info",
        "Parameter kind and failure policy of an admission policy.",
        ALPHA,
        labels=f"{labels} reinvocation_policy" if reinvocation else labels,
    )(info)
    _shared.created(declared, prefix, ALPHA)


def binding(declared: Resource, prefix: str) -> None:
    """Declare the families of a policy binding."""

    @declared.info(
        f"{prefix}_info",
        "Policy and parameters of an admission policy binding.",
        ALPHA,
        labels="policy_name param_name param_namespace param_not_found_action",
    )
    def info(obj: Any) -> Rows:
        param = obj.spec.paramRef
        return [(obj.spec.policyName, param.name, param.namespace, param.parameterNotFoundAction)]

    _shared.created(declared, prefix, ALPHA)


def webhooks(declared: Resource, prefix: str) -> None:
    """Declare the families of a webhook configuration."""

    @declared.info(f"{prefix}_info", "Existence of a webhook configuration.", ALPHA)
    def info(obj: Any) -> Rows:
        del obj
        return [()]

    _shared.created(declared, prefix, ALPHA)
    _shared.metadata_resource_version(declared, prefix)

    @declared.info(
        f"{prefix}_webhook_clientconfig_service",
        "Service that a webhook calls; labels are empty if the webhook calls a URL.",
        ALPHA,
        labels="webhook_name service_name service_namespace",
    )
    def service(obj: Any) -> Rows:
        return [
            (webhook.name, webhook.clientConfig.service.name, webhook.clientConfig.service.namespace)
            for webhook in obj.webhooks
        ]

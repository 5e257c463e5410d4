"""Configurations of mutating webhooks: the services that webhooks call."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import MutatingWebhookConfiguration

mutatingwebhookconfigurations = _admission.resource("mutatingwebhookconfigurations", MutatingWebhookConfiguration)

_admission.webhooks(mutatingwebhookconfigurations, "kube_mutatingwebhookconfiguration")

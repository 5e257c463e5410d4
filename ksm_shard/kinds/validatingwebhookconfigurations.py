"""Configurations of validating webhooks: the services that webhooks call."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import ValidatingWebhookConfiguration

validatingwebhookconfigurations = _admission.resource("validatingwebhookconfigurations", ValidatingWebhookConfiguration)

_admission.webhooks(validatingwebhookconfigurations, "kube_validatingwebhookconfiguration")

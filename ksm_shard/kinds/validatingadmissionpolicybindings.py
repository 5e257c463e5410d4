"""Bindings of validating admission policies: policy, parameters, and actions after a failed validation."""

from ksm_shard.kinds import _admission
from ksm_shard.metrics.families import ALPHA, Rows
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import ValidatingAdmissionPolicyBinding

validatingadmissionpolicybindings = _admission.resource(
    "validatingadmissionpolicybindings", ValidatingAdmissionPolicyBinding
)

_admission.binding(validatingadmissionpolicybindings, "kube_validatingadmissionpolicybinding")


@validatingadmissionpolicybindings.info(
    "kube_validatingadmissionpolicybinding_validation_action",
    "Actions after a failed validation.",
    ALPHA,
    labels="action",
)
def validation_action(binding: ValidatingAdmissionPolicyBinding) -> Rows:
    return [(action,) for action in binding.spec.validationActions]

"""Bindings of mutating admission policies: policy and parameters."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import MutatingAdmissionPolicyBinding

mutatingadmissionpolicybindings = _admission.resource("mutatingadmissionpolicybindings", MutatingAdmissionPolicyBinding)

_admission.binding(mutatingadmissionpolicybindings, "kube_mutatingadmissionpolicybinding")

"""Mutating admission policies: parameters and failure policy."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import MutatingAdmissionPolicy

mutatingadmissionpolicies = _admission.resource("mutatingadmissionpolicies", MutatingAdmissionPolicy)

_admission.policy(mutatingadmissionpolicies, "kube_mutatingadmissionpolicy", reinvocation=True)

"""Volume attachments: volume, node, and state of the attachment."""

from collections.abc import Mapping

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.wire.messages.storage_v1_pb2 import VolumeAttachment

volumeattachments = Resource(
    "storage.k8s.io/v1", "volumeattachments", VolumeAttachment, labels={"volumeattachment": "name"}, namespaced=False
)


@volumeattachments.mapping(
    "kube_volumeattachment_labels",
    "All Kubernetes labels, converted to Prometheus labels; no allowlist applies to volume attachments, as in kube-state-metrics.",
    ALPHA,
    prefix="label",
)
def labels(attachment: VolumeAttachment) -> object:
    return attachment.metadata.labels


@volumeattachments.info(
    "kube_volumeattachment_info", "Attacher and node of a volume attachment.", ALPHA, labels="attacher node"
)
def info(attachment: VolumeAttachment) -> Rows:
    return [(attachment.spec.attacher, attachment.spec.nodeName)]


_shared.created(volumeattachments, "kube_volumeattachment", ALPHA)


@volumeattachments.info(
    "kube_volumeattachment_spec_source_persistentvolume",
    "Persistent volume of an attachment.",
    ALPHA,
    labels="volumename",
)
def source_persistentvolume(attachment: VolumeAttachment) -> Rows:
    source = attachment.spec.source
    return [(source.persistentVolumeName,)] if source.HasField("persistentVolumeName") else ()


@volumeattachments.value("kube_volumeattachment_status_attached", "Whether the volume is attached.", ALPHA)
def attached(attachment: VolumeAttachment) -> bool:
    return attachment.status.attached


@volumeattachments.mapping(
    "kube_volumeattachment_status_attachment_metadata",
    "Metadata that the attacher reports about an attachment.",
    ALPHA,
    prefix="metadata",
)
def attachment_metadata(attachment: VolumeAttachment) -> Mapping[str, str]:
    return attachment.status.attachmentMetadata

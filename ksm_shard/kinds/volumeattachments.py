"""Volume attachments: which volume is meant to be attached to which node, and whether it is."""

from collections.abc import Mapping

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.wire.messages.storage_v1_pb2 import VolumeAttachment

volumeattachments = Resource(
    "storage.k8s.io/v1", "volumeattachments", VolumeAttachment, labels={"volumeattachment": "name"}, namespaced=False
)


@volumeattachments.mapping(
    "kube_volumeattachment_labels",
    "Kubernetes labels converted to Prometheus labels: all of them, as no allowlist ever applied to these.",
    ALPHA,
    prefix="label",
)
def labels(attachment: VolumeAttachment) -> object:
    return attachment.metadata.labels


@volumeattachments.info(
    "kube_volumeattachment_info", "Who attaches a volume, and to which node.", ALPHA, labels="attacher node"
)
def info(attachment: VolumeAttachment) -> Rows:
    return [(attachment.spec.attacher, attachment.spec.nodeName)]


_shared.created(volumeattachments, "kube_volumeattachment", ALPHA)


@volumeattachments.info(
    "kube_volumeattachment_spec_source_persistentvolume",
    "The persistent volume that is attached.",
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
    "What the attacher says of the attachment.",
    ALPHA,
    prefix="metadata",
)
def attachment_metadata(attachment: VolumeAttachment) -> Mapping[str, str]:
    return attachment.status.attachmentMetadata

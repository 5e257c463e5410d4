"""Persistent volumes: location of the data, size, claim, and phase."""

from collections.abc import Iterable
from itertools import dropwhile
from operator import not_
from typing import Final

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import whole
from ksm_shard.wire.messages.core_v1_pb2 import PersistentVolume, PersistentVolumeSource

persistentvolumes = Resource(
    "v1", "persistentvolumes", PersistentVolume, labels={"persistentvolume": "name"}, namespaced=False
)

SOURCES: Final = (
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "azureDisk",
    "fc",
    "iscsi",
    "nfs",
    "csi",
    "local",
    "hostPath",
)
PHASES: Final = ("Pending", "Available", "Bound", "Released", "Failed")


@persistentvolumes.info(
    "kube_persistentvolume_claim_ref", "Claim that a volume is bound to.", STABLE, labels="name claim_namespace"
)
def claim_ref(volume: PersistentVolume) -> Rows:
    if not volume.spec.HasField("claimRef"):
        return ()
    claim = volume.spec.claimRef
    return [(claim.name, claim.namespace)]


_shared.annotations(persistentvolumes, "kube_persistentvolume")
_shared.labels(persistentvolumes, "kube_persistentvolume")


@persistentvolumes.one_hot(
    "kube_persistentvolume_status_phase", "Phase of a volume.", STABLE, label="phase", states=PHASES
)
def phase(volume: PersistentVolume) -> str:
    return volume.status.phase


@persistentvolumes.info(
    "kube_persistentvolume_info",
    "Class, reclaim policy and location of a volume.",
    STABLE,
    labels="storageclass gce_persistent_disk_name ebs_volume_id azure_disk_name fc_wwids fc_lun fc_target_wwns "
    "iscsi_target_portal iscsi_iqn iscsi_lun iscsi_initiator_name nfs_server nfs_path csi_driver csi_volume_handle "
    "local_path local_fs host_path host_path_type reclaim_policy",
)
def info(volume: PersistentVolume) -> Rows:
    spec = volume.spec
    return [(spec.storageClassName, *where(spec.persistentVolumeSource), spec.persistentVolumeReclaimPolicy)]


def where(source: PersistentVolumeSource) -> list[str]:
    """Return the labels that locate the data.

    If a volume wrongly has several sources, the first one counts. The API reference allows a volume one source.
    """
    kind = next((kind for kind in SOURCES if source.HasField(kind)), "")
    of = PersistentVolumeSource()
    if kind:
        getattr(of, kind).CopyFrom(getattr(source, kind))
    return [
        of.gcePersistentDisk.pdName,
        of.awsElasticBlockStore.volumeID,
        of.azureDisk.diskName,
        joined(of.fc.wwids),
        str(of.fc.lun) if of.fc.HasField("lun") else "",
        joined(of.fc.targetWWNs),
        of.iscsi.targetPortal,
        of.iscsi.iqn,
        str(of.iscsi.lun) if of.HasField("iscsi") else "",
        of.iscsi.initiatorName,
        of.nfs.server,
        of.nfs.path,
        of.csi.driver,
        of.csi.volumeHandle,
        of.local.path,
        of.local.fsType,
        of.hostPath.path,
        of.hostPath.type,
    ]


def joined(names: Iterable[str]) -> str:
    """Join names by commas, ignoring empty names at the front."""
    return ",".join(dropwhile(not_, names))


@persistentvolumes.value("kube_persistentvolume_capacity_bytes", "Size of a volume in bytes.", STABLE)
def capacity_bytes(volume: PersistentVolume) -> float:
    capacity = volume.spec.capacity
    return whole(capacity["storage"].string) if "storage" in capacity else 0


_shared.created(persistentvolumes, "kube_persistentvolume", ALPHA)
_shared.deletion_timestamp(persistentvolumes, "kube_persistentvolume")


@persistentvolumes.info(
    "kube_persistentvolume_csi_attributes",
    "Attributes of a volume that a CSI driver serves.",
    ALPHA,
    labels="csi_mounter csi_map_options",
    opt_in=True,
)
def csi_attributes(volume: PersistentVolume) -> Rows:
    if not volume.spec.persistentVolumeSource.HasField("csi"):
        return ()
    attributes = volume.spec.persistentVolumeSource.csi.volumeAttributes
    return [(attributes.get("mounter", ""), attributes.get("mapOptions", ""))]


@persistentvolumes.info(
    "kube_persistentvolume_volume_mode",
    "Whether a volume is a filesystem or a block device.",
    ALPHA,
    labels="volumemode",
)
def volume_mode(volume: PersistentVolume) -> Rows:
    # The API server's default.
    return [(volume.spec.volumeMode if volume.spec.HasField("volumeMode") else "Filesystem",)]


@persistentvolumes.info("kube_persistentvolume_access_mode", "Access modes of a volume.", ALPHA, labels="access_mode")
def access_mode(volume: PersistentVolume) -> Rows:
    return [(mode,) for mode in volume.spec.accessModes]

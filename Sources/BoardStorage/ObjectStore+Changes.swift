public import Digests

/// What changes which objects there are. Each change is one record in flash: it happens at once, or not at all.
extension ObjectStore {
  /// The object that came in becomes the newest model; the caller has verified it.
  ///
  /// - Parameter kept: the other model that stays; without it that is the newest one up to now.
  @inline(never)
  public mutating func commitArrival<Flash: BoardFlash>(
    metadata: StoredMetadata, keeping kept: StoredObject? = nil, _ flash: inout Flash
  ) throws(StorageError) {
    let object = objects[ObjectSlots.arrival]
    guard object.isThere else { throw .notHeld }
    guard arrival.checkedBlocks == layout.blocks(for: object.length) else { throw .incomplete }
    stage()
    stageNewest(object, metadata, keeping: kept)
    try commitStaged(&flash)
    arrival = ArrivalState()
  }

  /// The model that was written becomes the newest one, and the object that came in (the delta that it was made with)
  /// goes.
  ///
  /// - Parameters:
  ///   - kind: what the caller calls this kind of object.
  ///   - kept: the other model that stays; without it that is the newest one up to now.
  @inline(never)
  public mutating func commitModel<Flash: BoardFlash>(
    kind: UInt8, digest: Digest32, metadata: StoredMetadata, keeping kept: StoredObject? = nil,
    _ flash: inout Flash
  ) throws(StorageError) {
    try finish(.model, &flash)
    var object = objects[Draft.model.slot]
    object.kind = kind
    object.digest = digest
    stage()
    staged[Draft.model.slot] = StoredEntry()
    stageNewest(object, metadata, keeping: kept)
    try commitStaged(&flash)
    arrival = ArrivalState()
  }

  /// Makes a model the newest and ends the arrival, which every new model comes from.
  @inline(never)
  private mutating func stageNewest(
    _ object: StoredEntry, _ metadata: StoredMetadata, keeping kept: StoredObject?
  ) {
    var model = object
    model.metadata = metadata
    let newest = objects[ObjectSlots.newestModel]
    let other = objects[ObjectSlots.otherModel]
    staged[ObjectSlots.otherModel] = kept.map { $0.id == other.id } == true ? other : newest
    staged[ObjectSlots.newestModel] = model
    staged[ObjectSlots.arrival] = StoredEntry()
  }

  /// What was written as update becomes the pending one, and with it, if the board wrote one, the residual that belongs
  /// to it. An update that was pending goes.
  ///
  /// - Parameter residual: what to say about the residual; nil if the update leaves nothing out.
  @inline(never)
  public mutating func publishUpdate<Flash: BoardFlash>(
    kind: UInt8, digest: Digest32, metadata: StoredMetadata, residual: StoredMetadata?, _ flash: inout Flash
  ) throws(StorageError) {
    try finish(.update, &flash)
    if residual == nil { discard(.nextResidual) } else { try finish(.nextResidual, &flash) }
    stage()
    var update = objects[Draft.update.slot]
    update.kind = kind
    update.digest = digest
    update.metadata = metadata
    staged[ObjectSlots.update] = update
    staged[Draft.update.slot] = StoredEntry()
    var rest = objects[Draft.nextResidual.slot]
    if let residual { rest.metadata = residual }
    staged[ObjectSlots.nextResidual] = rest
    staged[Draft.nextResidual.slot] = StoredEntry()
    try commitStaged(&flash)
  }

  /// The pending update was confirmed: it goes, and what it left out is the residual from now on.
  @inline(never)
  public mutating func settleUpdate<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) {
    guard objects[ObjectSlots.update].isThere else { return }
    stage()
    staged[ObjectSlots.residual] = objects[ObjectSlots.nextResidual]
    staged[ObjectSlots.nextResidual] = StoredEntry()
    staged[ObjectSlots.update] = StoredEntry()
    try commitStaged(&flash)
  }

  /// The pending update is not wanted: it goes, and the residual is the one before it.
  @inline(never)
  public mutating func dropUpdate<Flash: BoardFlash>(_ flash: inout Flash) throws(StorageError) {
    guard objects[ObjectSlots.update].isThere else { return }
    stage()
    staged[ObjectSlots.nextResidual] = StoredEntry()
    staged[ObjectSlots.update] = StoredEntry()
    try commitStaged(&flash)
  }

  /// Forgets an object: one that is damaged, that belongs to an earlier run, or whose room is needed.
  @inline(never)
  public mutating func remove<Flash: BoardFlash>(
    _ object: StoredObject, _ flash: inout Flash
  ) throws(StorageError) {
    guard let slot = slot(of: object) else { return }
    stage()
    staged[slot] = StoredEntry()
    if slot == ObjectSlots.newestModel {
      staged[slot] = objects[ObjectSlots.otherModel]
      staged[ObjectSlots.otherModel] = StoredEntry()
    }
    if slot == ObjectSlots.update { staged[ObjectSlots.nextResidual] = StoredEntry() }
    try commitStaged(&flash)
    if slot == ObjectSlots.arrival { arrival = ArrivalState() }
  }
}

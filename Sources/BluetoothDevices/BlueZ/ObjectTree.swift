/// BlueZ's objects as the bus tells of them, without I/O: paths, their interfaces, and properties of these.
struct ObjectTree {
  /// Properties of an interface by name.
  typealias Properties = [String: BusValue]

  private var objects: [String: [String: Properties]] = [:]

  /// Properties of an interface of an object; nil if it has none such.
  func properties(_ path: String, _ interface: String) -> Properties? { objects[path]?[interface] }

  /// Paths of all objects with an interface.
  func paths(with interface: String) -> [String] {
    objects.filter { $0.value[interface] != nil }.keys.sorted()
  }

  /// Takes the answer of GetManagedObjects: `a{oa{sa{sv}}}`.
  mutating func take(managed: BusValue?) {
    objects = [:]
    for (path, interfaces) in managed?.dictionary ?? [:] { add(path, interfaces) }
  }

  /// Takes InterfacesAdded: `o, a{sa{sv}}`.
  ///
  /// - Returns: the object and the interfaces that are new or other.
  mutating func take(added values: [BusValue]) -> (path: String, interfaces: [String])? {
    guard values.count >= 2, let path = values[0].text, let interfaces = values[1].dictionary else {
      return nil
    }
    add(path, values[1])
    return (path, Array(interfaces.keys))
  }

  /// Takes InterfacesRemoved: `o, as`.
  ///
  /// - Returns: the object and the interfaces that it had and has no more.
  mutating func take(removed values: [BusValue]) -> (path: String, interfaces: [String])? {
    guard values.count >= 2, let path = values[0].text else { return nil }
    let interfaces = values[1].texts.filter { objects[path]?.removeValue(forKey: $0) != nil }
    if objects[path]?.isEmpty == true { objects[path] = nil }
    return (path, interfaces)
  }

  /// Takes PropertiesChanged of `path`: `s, a{sv}, as`.
  ///
  /// - Returns: the interface and the properties that were told of.
  mutating func take(changed values: [BusValue], of path: String) -> (interface: String, names: Set<String>)?
  {
    guard values.count >= 2, let interface = values[0].text, let changes = values[1].dictionary,
      objects[path]?[interface] != nil
    else { return nil }
    for (name, value) in changes { objects[path]?[interface]?[name] = value }
    let invalidated = values.count > 2 ? values[2].texts : []
    for name in invalidated { objects[path]?[interface]?[name] = nil }
    return (interface, Set(changes.keys).union(invalidated))
  }

  private mutating func add(_ path: String, _ interfaces: BusValue) {
    for (interface, properties) in interfaces.dictionary ?? [:] {
      objects[path, default: [:]][interface] = properties.dictionary ?? [:]
    }
  }
}

internal import Synchronization

/// What this process has put in place for its user. It stays, however the process ends, and whoever stops the process is
/// told of it. Caches do not count.
///
/// Safe from any thread.
public enum FinishedWork {
    public enum Kind: Sendable, CaseIterable {
        case picture
        /// An overview of several pictures.
        case contactSheet
        case mask
        case preview
        case model
        /// A setting in the user's configuration.
        case setting
        /// A model that is gone because the user asked for it.
        case removedModel
    }

    private static let places = Mutex<[Kind: Set<String>]>([:])

    /// Counts what was put in place; a place that is written again counts once.
    ///
    /// Called within `CleanUp.whole`, beside the step that puts it there: a process that ends at once then neither misses
    /// it nor counts what is not there.
    public static func add(_ kind: Kind, at place: String) {
        places.withLock { _ = $0[kind, default: []].insert(place) }
    }

    /// How many there are of each kind; kinds without any are left out.
    public static var counts: [Kind: Int] { places.withLock { $0.mapValues(\.count) } }
}

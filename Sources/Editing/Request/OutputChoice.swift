/// Where results go and what they carry.
public struct OutputChoice: Sendable, Hashable {
    /// A file, a folder, `-` for standard output, or `nil` for a name made from the input's.
    public var path: String?
    /// Whether a file that exists may be replaced, be it the picture itself (which no default name is). Other files
    /// that are read never are.
    public var force: Bool
    /// Whether the result says how it was made.
    public var metadata: Bool
    /// The file that shows the picture as it comes about, which is none of the results.
    public var livePreview: String?
    /// Files that are read besides the pictures and masks, such as the model.
    public var reads: [ReadFile]

    public init(
        path: String? = nil, force: Bool = false, metadata: Bool = true, livePreview: String? = nil,
        reads: [ReadFile] = []
    ) {
        self.path = path
        self.force = force
        self.metadata = metadata
        self.livePreview = livePreview
        self.reads = reads
    }

    public var isStandardOutput: Bool { path == "-" }
}

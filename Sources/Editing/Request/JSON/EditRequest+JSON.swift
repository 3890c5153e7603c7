internal import Diffusion
internal import Masking
internal import PlainText
internal import Raster

/// A request in JSON is one flat object (docs/request.md): what is edited, and the settings that differ from their
/// defaults by the keys of their table (`Settings`).
extension EditRequest: Codable {
    /// Bytes beyond which no request is read: pictures may be part of it.
    public static let maximumJSONBytes = 1 << 29
    /// How deep a request's lists and objects nest.
    private static let maximumDepth = 8

    /// Reads and validates a request.
    ///
    /// - Parameter name: what errors call the document.
    /// - Throws: `EditError`.
    public init(json: [UInt8], name: String) throws {
        guard json.count <= Self.maximumJSONBytes else {
            throw EditError.badRequest(
                name: name, reason: "it is larger than \(Figures.bytes(Self.maximumJSONBytes))")
        }
        // RFC 8259, section 8.1: UTF-8, and a byte order mark may be passed over.
        if let form = Self.wideForm(of: json) {
            throw EditError.badRequest(name: name, reason: "it is \(form), expected UTF-8")
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let json = json.starts(with: mark) ? Array(json.dropFirst(mark.count)) : json
        do {
            self = try JSONReading.value(Self.self, from: json, maximumDepth: Self.maximumDepth)
        } catch let error as JSONValue.SyntaxError {
            throw EditError.badRequest(name: name, reason: "\(error)")
        } catch DecodingError.typeMismatch(_, let context) {
            throw EditError.badRequest(name: name, reason: "expected an object, \(context.debugDescription)")
        }
        try validate()
    }

    /// The name of an encoding in which a character takes two bytes or four, as the first ones tell it (RFC 4627,
    /// section 3); `nil` for UTF-8.
    private static func wideForm(of json: [UInt8]) -> String? {
        let (start, isZero) = (Array(json.prefix(4)), json.prefix(4).map { $0 == 0 })
        guard start.count == 4 else { return nil }
        if isZero == [true, true, false, true] || isZero == [true, true, true, false] { return "UTF-32" }
        if isZero == [false, true, true, true] || start == [0xFF, 0xFE, 0, 0] { return "UTF-32" }
        let hasMark = start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF])
        return hasMark || isZero[..<2] == [true, false] || isZero[..<2] == [false, true] ? "UTF-16" : nil
    }

    /// What a file of a request holds. Throws `EditError.noRequest` or `.badRequest`.
    public static func bytes(ofFile path: String) throws(EditError) -> [UInt8] {
        guard FileSystem.exists(path) else { throw .noRequest(path: path) }
        guard !FileSystem.isFolder(path) else { throw .badRequest(name: path, reason: "it is a folder") }
        guard let bytes = FileSystem.bytes(of: path, limit: maximumJSONBytes) else {
            throw .badRequest(
                name: path, reason: "it cannot be read, or is larger than \(Figures.bytes(maximumJSONBytes))")
        }
        return bytes
    }

    /// The request as text of several lines. Throws `EncodingError` for a value that no valid request has.
    public func json() throws -> String { try JSONWriting.text(of: self) }

    private static let ownKeys: [SettingKey] = [
        .mode, .picture, .masks, .protected, .prompt, .negativePrompt, .left, .right, .top, .bottom, .size, .aspect,
        .zoomOut, .anchor,
    ]

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: JSONKey.self)
        func put(_ key: SettingKey, _ value: (some Encodable)?) throws {
            if let value { try container.encode(value, forKey: JSONKey(key)) }
        }
        try put(.mode, mode.rawValue)
        try put(.picture, picture)
        try put(.masks, masks.isEmpty ? nil : masks)
        try put(.protected, protected.isEmpty ? nil : protected)
        try put(.prompt, prompt.isEmpty ? nil : prompt)
        try put(.negativePrompt, negativePrompt.isEmpty ? nil : negativePrompt)
        let words = mode == .outpaint ? canvas?.words ?? .init() : .init()
        for (key, side) in [
            (SettingKey.left, words.left), (.right, words.right), (.top, words.top), (.bottom, words.bottom),
        ] { try put(key, side) }
        try put(.size, (mode == .outpaint ? words.size : size).map { "\($0.width)x\($0.height)" })
        try put(.aspect, words.aspect.map { "\($0.width):\($0.height)" })
        try put(.zoomOut, words.zoomOut)
        try put(.anchor, words.anchor?.rawValue)
        for setting in Settings.all { try setting.encode(settings, to: &container) }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: JSONKey.self)
        try container.checkKeys((Self.ownKeys + Settings.all.map(\.key)).map(\.rawValue))
        guard let mode: EditMode = try container.word(.mode) else {
            throw EditError.wrongForm(
                "\(.mode)", expected: Sentence(SettingForm<EditMode>.word.expected), found: "nothing")
        }
        var settings = EditSettings()
        for setting in Settings.all { try setting.decode(container, to: &settings) }
        var words = CanvasChange.Words()
        words.left = try container.whole(.left)
        words.right = try container.whole(.right)
        words.top = try container.whole(.top)
        words.bottom = try container.whole(.bottom)
        words.aspect = try container.pair(.aspect, separator: ":", example: "16:9")
        words.zoomOut = try container.number(.zoomOut)
        words.anchor = try container.word(.anchor)
        let size = try container.pair(.size, separator: "x", example: "1024x768").map(PixelSize.init(width:height:))
        if mode == .outpaint { words.size = size }
        let isCanvasGiven = words != CanvasChange.Words()
        if isCanvasGiven, mode != .outpaint {
            let key = [SettingKey.left, .right, .top, .bottom, .aspect, .zoomOut, .anchor].first(
                where: container.contains)
            throw EditError.notForMode(key ?? .anchor, mode: mode)
        }
        if size != nil, mode != .outpaint, mode != .generate { throw EditError.notForMode(.size, mode: mode) }
        self.init(
            mode: mode, picture: try container.picture(.picture), masks: try container.masks(.masks),
            prompt: try container.text(.prompt) ?? "", negativePrompt: try container.text(.negativePrompt) ?? "",
            canvas: isCanvasGiven ? try CanvasChange(words) : nil, size: mode == .generate ? size : nil,
            settings: settings)
        protected = try container.masks(.protected)
    }
}

extension KeyedDecodingContainer<JSONKey> {
    fileprivate func whole(_ key: SettingKey) throws -> Int? {
        guard asks(for: JSONKey(key)) else { return nil }
        guard let value = try? decode(Int.self, forKey: JSONKey(key)) else {
            throw EditError.wrongForm("\(key)", expected: "a whole number of pixels", found: found(JSONKey(key)))
        }
        return value
    }

    fileprivate func number(_ key: SettingKey) throws -> Double? {
        guard asks(for: JSONKey(key)) else { return nil }
        guard let value = try? decode(Double.self, forKey: JSONKey(key)) else {
            throw EditError.wrongForm("\(key)", expected: "a number", found: found(JSONKey(key)))
        }
        return value
    }

    fileprivate func word<Word: CaseIterable & RawRepresentable<String> & Sendable>(
        _ key: SettingKey
    ) throws -> Word? {
        let place = JSONKey(key)
        guard asks(for: place) else { return nil }
        let form = SettingForm<Word>.word
        guard let word = form.decode(self, place) else {
            throw EditError.wrongForm("\(key)", expected: Sentence(form.expected), found: found(place))
        }
        return word
    }

    /// Two whole numbers in one text.
    fileprivate func pair(_ key: SettingKey, separator: Character, example: String) throws -> (Int, Int)? {
        let place = JSONKey(key)
        guard asks(for: place) else { return nil }
        let text = (try? decode(String.self, forKey: place)) ?? ""
        let numbers = text.split(separator: separator, maxSplits: 2, omittingEmptySubsequences: false)
        guard numbers.count == 2, let first = Int(numbers[0]), let second = Int(numbers[1]) else {
            throw EditError.wrongForm("\(key)", expected: "a text such as \"\(example)\"", found: found(place))
        }
        return (first, second)
    }

    fileprivate func picture(_ key: SettingKey) throws -> PictureInput? {
        let place = JSONKey(key)
        return asks(for: place) ? try PictureInput(from: superDecoder(forKey: place)) : nil
    }

    fileprivate func masks(_ key: SettingKey) throws -> [MaskSource] {
        let place = JSONKey(key)
        guard asks(for: place) else { return [] }
        guard var list = try? nestedUnkeyedContainer(forKey: place) else {
            throw EditError.wrongForm("\(key)", expected: "a list of masks", found: found(place))
        }
        var masks: [MaskSource] = []
        while !list.isAtEnd {
            guard masks.count < EditSettings.maskLimit else {
                throw EditError.tooManyMasks(key, count: list.count ?? masks.count + 1)
            }
            masks.append(try MaskSource(from: list.superDecoder(), at: "\(key)[\(masks.count)]"))
        }
        return masks
    }
}

@testable import ImageFiles

/// Reads bytes as the text that says how a picture was made, and writes it again: what was read of it must be read
/// again.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = unsafe String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
    let infotext = Infotext(parsing: text)
    precondition(infotext.parameters.isEmpty || infotext.parameters.count >= 3)
    _ = Provenance.looksLikeInfotext(text)
    let again = Infotext(parsing: infotext.rendered)
    precondition(again.prompt.utf8.count + again.negativePrompt.utf8.count <= infotext.rendered.utf8.count)
    let quoted = Infotext.quoted(text)
    if quoted != text { precondition(Infotext.unquoted(Array(quoted.unicodeScalars)) == text) }
    _ = Infotext.parameters(in: Array(text.unicodeScalars)[...])
    var metadata = ImageMetadata()
    metadata.exif = EXIFBlock(userComment: text).bytes
    let comment = metadata.exif.flatMap { EXIFBlock($0) }?.userComment
    precondition(comment == nil || text.utf8.contains(0) || comment == text)
    return 0
}

import PlainText

@testable import Editing
@testable import Masking
@testable import Raster

/// Reads bytes as a request in JSON. One that is valid is written and read again, and must be the same; what is wrong
/// must be answered by a sentence in which no option of the command line stands.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let request: EditRequest
    do {
        request = try EditRequest(json: bytes, name: "request")
    } catch {
        precondition(error is EditError && !"\(error)".isEmpty)
        return 0
    }
    guard let text = try? request.json(), let again = try? EditRequest(json: Array(text.utf8), name: "again") else {
        preconditionFailure("a valid request is written and read")
    }
    // A share may lose its last bit in percent, once.
    let last = try? again.json()
    precondition(again == request || last == text)
    let size = PixelSize(width: 40, height: 30)
    for case .shape(let shape) in request.masks.prefix(4) {
        let mask = shape.mask(size: size)
        precondition(mask.coverage.values.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
    return 0
}

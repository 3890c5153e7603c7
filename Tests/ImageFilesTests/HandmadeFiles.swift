@testable import ImageFiles

/// Pieces of files that tests put together by hand.
enum Handmade {
    /// A JPEG with segments behind its start marker.
    static func jpeg(_ file: [UInt8], adding segments: [(marker: UInt8, payload: [UInt8])]) -> [UInt8] {
        var inserted: [UInt8] = []
        for segment in segments {
            let length = segment.payload.count + 2
            inserted += [0xFF, segment.marker, UInt8(length >> 8), UInt8(length & 255)]
            inserted += segment.payload
        }
        return file[..<2] + inserted + file[2...]
    }

    static func xmpSegment(_ packet: String) -> (marker: UInt8, payload: [UInt8]) {
        (0xE1, Array("http://ns.adobe.com/xap/1.0/\0".utf8) + Array(packet.utf8))
    }

    /// A packet with one description of these attributes and that content.
    static func packet(_ attributes: String, _ content: String = "") -> String {
        """
        <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF \
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" \
        xmlns:dc="http://purl.org/dc/elements/1.1/" \(attributes)><dc:description><rdf:Alt><rdf:li \
        xml:lang="x-default">A hill &amp; a lake</rdf:li></rdf:Alt></dc:description>\(content)</rdf:Description>\
        </rdf:RDF></x:xmpmeta><?xpacket end="w"?>
        """
    }

    /// A little-endian EXIF block: a description, an artist, Windows' comment, and a comment of that payload.
    static func exif(comment: [UInt8]) -> [UInt8] {
        func entry(_ tag: Int, _ type: Int, _ data: [UInt8], at place: Int) -> [UInt8] {
            HandmadeTIFF.little(tag, 2) + HandmadeTIFF.little(type, 2) + HandmadeTIFF.little(data.count, 4)
                + HandmadeTIFF.little(place, 4)
        }
        let texts: [(Int, Int, [UInt8])] = [
            (0x010E, 2, Array("A hill at noon\0".utf8)), (0x013B, 2, Array("Ada Lens\0".utf8)),
            (0x8298, 2, Array("(c) Ada Lens\0".utf8)),
            (0x9C9C, 1, Array("own note".utf8).flatMap { [$0, 0] } + [0, 0]),
        ]
        // The pointer to the Exif directory stands between the copyright and Windows' comment.
        let count = texts.count + 1
        var place = 8 + 2 + count * 12 + 4
        var entries: [UInt8] = []
        var values: [UInt8] = []
        let exifPlace = place + texts.reduce(0) { $0 + $1.2.count + $1.2.count % 2 }
        for (index, text) in texts.enumerated() {
            if index == 3 {
                entries += HandmadeTIFF.little(0x8769, 2) + HandmadeTIFF.little(4, 2) + HandmadeTIFF.little(1, 4)
                entries += HandmadeTIFF.little(exifPlace, 4)
            }
            entries += entry(text.0, text.1, text.2, at: place)
            values += text.2 + [UInt8](repeating: 0, count: text.2.count % 2)
            place += text.2.count + text.2.count % 2
        }
        let directory = HandmadeTIFF.little(1, 2) + entry(0x9286, 7, comment, at: exifPlace + 18) + [0, 0, 0, 0]
        return Array("II*\0".utf8) + HandmadeTIFF.little(8, 4) + HandmadeTIFF.little(count, 2) + entries
            + [0, 0, 0, 0] + values + directory + comment
    }

    static let ownWords = "Own words of the photographer"
    static let ownComment = Array("ASCII\0\0\0\(ownWords)".utf8)
    static let foreignRecord =
        "old prompt, masterpiece\nNegative prompt: bad\nSteps: 30, Sampler: Euler a, Seed: 123, Model: dream"
}

extension [UInt8] {
    func contains(_ text: String) -> Bool { range(of: text) != nil }
}

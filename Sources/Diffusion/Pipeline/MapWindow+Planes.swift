internal import Tensors

extension MapWindow {
    /// This window of planes, `[channels, rows, columns]`, that are as large as `whole`.
    func cut(_ planes: [Float], from whole: MapWindow) -> [Float] {
        if self == whole { return planes }
        return (0 ..< planes.count / whole.area).flatMap { plane in
            rows.flatMap { row in
                let start = plane * whole.area + row * whole.width
                return planes[start + columns.lowerBound ..< start + columns.upperBound]
            }
        }
    }

    /// Planes as large as `whole` with this window of them from `part`.
    func pasted(_ part: [Float], into planes: [Float], of whole: MapWindow) -> [Float] {
        var result = planes
        for plane in 0 ..< planes.count / whole.area {
            for row in 0 ..< height {
                let to = plane * whole.area + (rows.lowerBound + row) * whole.width + columns.lowerBound
                let from = (plane * height + row) * width
                result.replaceSubrange(to ..< to + width, with: part[from ..< from + width])
            }
        }
        return result
    }
}

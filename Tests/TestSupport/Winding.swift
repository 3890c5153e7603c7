/// How often closed contours wind around a point. Corners have x and y.
public func windingNumber(of contours: [[SIMD2<Double>]], around point: SIMD2<Double>) -> Int {
    var winding = 0
    for contour in contours {
        for (index, start) in contour.enumerated() {
            let end = contour[(index + 1) % contour.count]
            guard (start.y <= point.y) != (end.y <= point.y) else { continue }
            let crossing = start.x + (point.y - start.y) * (end.x - start.x) / (end.y - start.y)
            if crossing < point.x { winding += start.y < end.y ? 1 : -1 }
        }
    }
    return winding
}

/// How many of `samples` × `samples` points of a pixel satisfy a condition on their winding number, of all of them.
public func share(
    ofPixel x: Int, _ y: Int, in contours: [[SIMD2<Double>]], samples: Int, where isInside: (_ winding: Int) -> Bool
) -> Float {
    var inside = 0
    for v in 0 ..< samples {
        for u in 0 ..< samples {
            let place = (SIMD2(Double(u), Double(v)) + 0.5) / Double(samples) + SIMD2(Double(x), Double(y))
            if isInside(windingNumber(of: contours, around: place)) { inside += 1 }
        }
    }
    return Float(inside) / Float(samples * samples)
}

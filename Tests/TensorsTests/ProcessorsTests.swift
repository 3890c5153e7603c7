import CParallel
import Foundation
import Testing

@Suite struct ProcessorsTests {
    /// Control groups as the kernel shows them, in a folder of their own.
    private func quota(_ groups: String, _ files: [String: String]) throws -> Int32 {
        let mount = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: mount) }
        for (path, text) in files {
            let file = mount.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return parallel_quota(groups, mount.path())
    }

    @Test func quotasOfVersion2() throws {
        #expect(try quota("0::/\n", ["cpu.max": "250000 100000\n"]) == 2)
        #expect(try quota("0::/\n", ["cpu.max": "50000 100000\n"]) == 1)
        #expect(try quota("0::/\n", ["cpu.max": "max 100000\n"]) == 0)
        #expect(try quota("0::/\n", [:]) == 0)
        // The group above gives less.
        #expect(try quota("0::/a/b\n", ["a/b/cpu.max": "800000 100000", "a/cpu.max": "300000 100000"]) == 3)
        #expect(try quota("0::/a/b", ["a/b/cpu.max": "max 100000", "cpu.max": "400000 100000"]) == 4)
    }

    @Test func quotasOfVersion1() throws {
        let groups = "12:memory:/x\n4:cpuset:/z\n3:cpu,cpuacct:/a/b\n0::/\n"
        let files = ["cpu/a/b/cpu.cfs_quota_us": "-1", "cpu/a/b/cpu.cfs_period_us": "100000"]
        #expect(try quota(groups, files) == 0)
        let above = ["cpu/a/cpu.cfs_quota_us": "600000\n", "cpu/a/cpu.cfs_period_us": "200000\n"]
        #expect(try quota(groups, files.merging(above) { $1 }) == 3)
    }

    @Test(arguments: [
        "", "\n\n", "0", "0::", "::\n:::::", "0:cpu", "1:cpu:\n", "0::/" + String(repeating: "a/", count: 9000),
    ])
    func brokenGroupsHaveNone(groups: String) throws {
        #expect(try quota(groups, ["cpu.max": "x", "cpu/cpu.cfs_quota_us": ""]) == 0)
    }

    @Test(arguments: [1, 2, 5]) func everyIndexIsVisitedOnce(threads: Int32) {
        let before = parallel_threads()
        parallel_set_threads(threads)
        defer { parallel_set_threads(before) }
        for count in [0, 1, 2, 7, 1000] {
            var visits = [UInt8](repeating: 0, count: count)
            visits.withUnsafeMutableBytes { visits in
                parallel_for(
                    count, { $0!.assumingMemoryBound(to: UInt8.self)[$1] += 1 }, visits.baseAddress)
            }
            #expect(visits.allSatisfy { $0 == 1 })
        }
    }
}
